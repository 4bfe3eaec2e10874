-- Stores a loaded value, unless its cache was invalidated since the load began or holds a newer one; ends the lease.
--
-- KEYS[1]  hash of one cache, as in cache_lease
-- ARGV[1]  the value's name
-- ARGV[2]  the generation the cache had before the load began
-- ARGV[3]  the caller's token
-- ARGV[4]  the entry; empty: nothing to store, only the lease ends
-- ARGV[5]  how long Redis keeps it, milliseconds
-- Returns  "stored", "older", "invalidated" or "released"

local value, lease = 'value:' .. ARGV[1], 'lease:' .. ARGV[1]
local held = redis.call('HGET', KEYS[1], lease)
if held and string.match(held, ' (%S+)$') == ARGV[3] then
  redis.call('HDEL', KEYS[1], lease)
end
if ARGV[4] == '' then
  return 'released'
end
if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[2] then
  return 'invalidated'
end

local pattern = '^%S+ %S+ (%d+)'
local entry = redis.call('HGET', KEYS[1], value)
if entry and tonumber(string.match(entry, pattern) or 0) > tonumber(string.match(ARGV[4], pattern)) then
  return 'older'
end
redis.call('HSET', KEYS[1], value, ARGV[4])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
return 'stored'
