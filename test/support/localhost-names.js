// Loaded before maint: every name below localhost is this machine, as RFC 6761 wants it and not every resolver does it.
import dns from 'node:dns';

const real = dns.lookup;
dns.lookup = (name, options, callback) => real(name.endsWith('.localhost') ? '127.0.0.1' : name, options, callback);
