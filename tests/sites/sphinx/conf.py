project = "Sample"
html_theme = "basic"
templates_path = ["_templates"]
