"""What the simulator's two models of time share: everything but the law itself."""
