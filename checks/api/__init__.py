"""Build the API's public document from the routes in the code and the texts in YAML."""
