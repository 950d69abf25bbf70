"""How the page looks, and the scripts that Gradio leaves out."""

import gradio as gr

THEME = gr.themes.Soft(
    primary_hue="indigo",
    neutral_hue="slate",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_hover_dark="*primary_700",
    block_label_text_color="*primary_700",
    block_padding="0",
    block_background_fill_dark="transparent",
    block_border_width="0",
    block_border_width_dark="0",
    block_shadow="none",
    input_background_fill_dark="*neutral_800",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
    checkbox_border_width="1px",
    checkbox_border_width_dark="1px",
    checkbox_border_color="*neutral_500",
    checkbox_border_color_dark="*neutral_400",
    checkbox_label_text_color_selected="*neutral_800",
    checkbox_label_text_color_selected_dark="*neutral_100",
    input_border_width="1px",
    input_border_width_dark="1px",
    input_border_color="*neutral_300",
    input_border_color_dark="*neutral_600",
    input_shadow="none",
    input_shadow_focus="0 0 0 2px *primary_300",
    button_secondary_background_fill_hover_dark="*neutral_700",
    button_secondary_border_color="*neutral_300",
    button_secondary_border_color_dark="*neutral_600",
    button_border_width="1px",
    button_secondary_shadow="none",
    block_title_background_fill="transparent",
    block_title_background_fill_dark="transparent",
    block_title_padding="0",
    block_title_text_weight="550",
    block_title_text_color="*neutral_800",
    block_title_text_color_dark="*neutral_100",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_400",
)

HEAD = """
<meta name="viewport" content="width=device-width, initial-scale=1">
<script>
document.addEventListener('keydown', event => {
  const step = {ArrowRight: 1, ArrowLeft: -1, Home: -99, End: 99}[event.key];
  const tab = event.target.closest && event.target.closest('[role=tab]');
  if (!step || !tab) return;
  const tabs = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]:not([disabled])')];
  const last = tabs.length - 1, beside = (tabs.indexOf(tab) + step + tabs.length) % tabs.length;
  const next = tabs[step === -99 ? 0 : step === 99 ? last : beside];
  next.click(); next.focus(); event.preventDefault();
});
</script>
"""
"""Arrow keys on tabs, which Gradio leaves out."""

HEAD_JS = """
let ended = null;
const show = () => {
  const head = element.querySelector('[data-title]');
  if (!head) return;
  document.title = head.dataset.title;
  const now = head.dataset.ended;
  if (ended !== null && now && now !== ended && window.tellsWhenEnded) {
    try { new Notification('Finetune Studio', {body: head.dataset.told, tag: now}); } catch { }
  }
  ended = now;
};
watch('value', show); show();
"""
"""The browser tab's title follows the page's head, and a run that has ended is told where that was asked for.

Some browsers on phones refuse a notification from a page; the head shows the end there as well.
"""
