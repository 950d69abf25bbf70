"""The page behind the headers of ``finetune.door``, as a program that ``tests.browser.app`` starts."""

import os
import sys

sys.path.insert(0, os.getcwd())

import gradio as gr
import uvicorn
from fastapi import FastAPI

from finetune.door.headers import Headers
from finetune.runs.workspace import Workspace
from finetune.ui.page import build, launch_options
from finetune.ui.shared import routes
from finetune.ui.studio import Studio
from finetune.ui.theme import HEAD

if __name__ == "__main__":
    studio = Studio(Workspace())
    options = {name: value for name, value in launch_options().items() if name != "share"}
    mounted = gr.mount_gradio_app(FastAPI(routes=routes(studio)), build(studio), "/", **options)
    port = int(sys.argv[sys.argv.index("--port") + 1])
    uvicorn.run(Headers(mounted, HEAD), port=port, log_level="warning", server_header=False)
