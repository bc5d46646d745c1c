"""What is measured and what is computed about the machine: sizing, and the suites that compare with other systems."""
