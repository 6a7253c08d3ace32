"""Running logscry: images, the embedded stack, the demo."""
