"""The Python interface: runs and labeling pages as objects. `import prefloop` hands them out."""
