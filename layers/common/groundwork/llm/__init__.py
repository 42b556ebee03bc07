"""The model behind one port (`port.py`) and its three adapters: mock, anthropic, bedrock."""
