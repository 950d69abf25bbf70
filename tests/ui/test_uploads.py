import pytest
from gradio import route_utils

from finetune.door.parts import none_left
from finetune.ui.uploads import note_parts


@pytest.mark.threat("T8")
def test_what_gradio_writes_of_an_upload_is_deleted_with_its_request(tmp_path):
    note_parts()
    with none_left():
        part = route_utils.NamedTemporaryFile(delete=False, dir=tmp_path)
        part.write(b"a part")
        part.close()
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
