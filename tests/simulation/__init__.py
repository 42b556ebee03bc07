"""The real run engine on a virtual clock, with a model of AWS and of a language model whose faults come from a seed."""
