-- Ends a lease that is still its holder's.
--
-- KEYS[1]  the lease
-- ARGV[1]  the holder's token
-- Returns  1, or 0 when the lease is over or somebody else's

if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
