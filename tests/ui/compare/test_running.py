from finetune.ui.compare.running import Running, is_at_work, stop


def test_stop_asks_the_answers_to_end_and_says_so():
    running = Running()
    ask, button = stop(running)
    assert running.stop.is_set() and is_at_work(running)
    assert not ask.visible and button.value == "Stopping…" and not button.interactive


def test_stop_after_the_end_shows_the_button_that_asks():
    running = Running()
    running.end()
    for over in (running, None):
        ask, button = stop(over)
        assert ask.visible and not button.visible and not is_at_work(over)
