"""What stands between the network and the page, as layers around Gradio's app:

headers         what a page may do, who may frame it, and nothing that a visitor sent
"""
