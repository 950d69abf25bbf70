# A Docker Space, and the same image on any other machine:
#   docker build -t finetune-studio .
#   docker run --rm -p 7860:7860 -v finetune-studio:/data -e FINETUNE_AUTH=ada:correct-horse finetune-studio
# Add --gpus all for an NVIDIA GPU. Others can reach it, so it wants people with passwords; on a Space they sign in there.
FROM python:3.11-slim-bookworm

# Spaces run as UID 1000. They mount storage at /data; without a mount it is a folder in the container.
RUN useradd --create-home --uid 1000 user \
    && install --directory --owner=user --group=user /app /data
USER 1000
WORKDIR /app

# SYSTEM=spaces: Spaces set it for Gradio Spaces only. Without it Gradio takes this for someone's own machine.
ENV HOME=/home/user \
    PATH=/home/user/.local/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SYSTEM=spaces \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    GRADIO_ANALYTICS_ENABLED=False

# Before the code, so that a change of code does not install everything again. The wheels include CUDA; nothing is
# compiled.
COPY --chown=1000 requirements.txt ./
RUN pip install --no-cache-dir --user -r requirements.txt

COPY --chown=1000 app.py ./
COPY --chown=1000 finetune/ finetune/
COPY --chown=1000 assets/ assets/

# Runs, uploads and models: finetune/runs/workspace.py takes /data/finetune where SYSTEM=spaces and /data is writable.
VOLUME /data
EXPOSE 7860
# In this form app.py is process 1. It passes on the SIGTERM of `docker stop`, ends within its 10 seconds, restarts the
# server after a crash and reaps orphans, so no other init is needed.
CMD ["python", "app.py"]
