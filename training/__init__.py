"""Log files in, a trained and calibrated model out; and its judgement against labels."""
