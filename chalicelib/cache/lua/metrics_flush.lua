-- Adds what one environment counted to the region's totals, once, and puts its report in place of the former one.
--
-- KEYS[1]  totals, a hash: series -> whole number
-- KEYS[2]  number of the last batch added for this environment, a string
-- KEYS[3]  reports, a hash: instance -> JSON
-- KEYS[4]  numbers of each instance, a hash: instance -> JSON
-- KEYS[5]  reports by time, a sorted set: instance, milliseconds since 1970
-- ARGV[1]  number of this batch, from 1
-- ARGV[2]  seconds for which KEYS[2] is kept
-- ARGV[3]  instance
-- ARGV[4]  time of the report, milliseconds since 1970
-- ARGV[5]  reports of this time and before are forgotten, a few at a time, milliseconds since 1970
-- ARGV[6]  report, JSON
-- ARGV[7]  numbers of this instance, JSON
-- ARGV[8…] series, increment, series, increment …
-- Returns 1 when the batch was added, 0 when it had been before, -1 when a later one was: then nothing is changed.

local added = tonumber(redis.call('GET', KEYS[2]) or '0')
local batch = tonumber(ARGV[1])
if batch < added then
  return -1
end
-- First: a script that fails half-way keeps what it wrote, and must not add it again.
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
for i = 8, #ARGV, 2 do
  if batch > added then
    redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('HSET', KEYS[3], ARGV[3], ARGV[6])
redis.call('HSET', KEYS[4], ARGV[3], ARGV[7])
redis.call('ZADD', KEYS[5], ARGV[4], ARGV[3])
local old = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', ARGV[5], 'LIMIT', 0, 10)
for _, instance in ipairs(old) do
  redis.call('HDEL', KEYS[3], instance)
  redis.call('HDEL', KEYS[4], instance)
  redis.call('ZREM', KEYS[5], instance)
end
return batch > added and 1 or 0
