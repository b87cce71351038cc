"""One file per vendor API; the only place that imports google.*; nothing here decides."""
