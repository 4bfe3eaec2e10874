-- Begins another term of a lease that is still its holder's.
--
-- KEYS[1]  the lease
-- ARGV[1]  the holder's token
-- ARGV[2]  the new term, milliseconds from now
-- Returns  1, or 0 when the lease is over or somebody else's

if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
