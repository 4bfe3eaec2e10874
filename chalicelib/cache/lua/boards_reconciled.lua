-- Notes until when changed standings are in the sorted sets, unless a newer run has done so.
--
-- KEYS[1]  hash: until (milliseconds since 1970), fence (of the run that set it)
-- ARGV[1]  until, milliseconds since 1970
-- ARGV[2]  the run's fence, a whole number below 2^53; empty for who knows to be alone
-- Returns  1, or 0 when a newer run's is there

if ARGV[2] == '' then
  redis.call('HSET', KEYS[1], 'until', ARGV[1])
  return 1
end
local newest = redis.call('HGET', KEYS[1], 'fence')
if newest and tonumber(newest) > tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'until', ARGV[1], 'fence', ARGV[2])
return 1
