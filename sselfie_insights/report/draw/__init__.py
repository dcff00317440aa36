"""Drawing an evaluated page: in the terminal, as HTML, as SVG."""
