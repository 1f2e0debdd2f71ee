"""Pictures of lattices and of their stiffness, by PyVista, or by matplotlib without OpenGL."""
