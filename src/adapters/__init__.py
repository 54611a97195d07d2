"""The technologies behind the ports, one folder each; folders never import one another."""
