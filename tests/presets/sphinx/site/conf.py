project = "Sample"
html_theme = "basic"
