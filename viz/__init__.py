"""Pictures of lattices and of their stiffness: PyVista, or matplotlib where there is no OpenGL."""
