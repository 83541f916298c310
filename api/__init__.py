"""The HTTP shell around the core: `create_app` in app.py, `main` in server.py."""
