-- Leases an environment its share of every limit, so that all shares leased together never exceed the whole.
--
-- KEYS    1: sorted set, environment -> end of its lease in milliseconds since 1970; 2: hash, environment -> share,
--         and under "total" their sum; both in one slot
-- ARGV    1: the environment's id; 2: length of a lease in milliseconds
-- returns {its share in parts per million of the whole, number of environments with a lease}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, length = ARGV[1], ARGV[2] * 1
local total = tonumber(redis.call('HGET', KEYS[2], 'total') or 0)

for _, ended in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do
  total = total - (redis.call('HGET', KEYS[2], ended) or 0)
  redis.call('HDEL', KEYS[2], ended)
  redis.call('ZREM', KEYS[1], ended)
end

total = total - (redis.call('HGET', KEYS[2], id) or 0)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + length), id)
local count = redis.call('ZCARD', KEYS[1])
local share = math.max(0, math.min(math.floor(1000000 / count), 1000000 - total))
redis.call('HSET', KEYS[2], id, share, 'total', total + share)
-- Never sooner than before: another lease may be longer.
local life = math.max(length, redis.call('PTTL', KEYS[1]))
redis.call('PEXPIRE', KEYS[1], life)
redis.call('PEXPIRE', KEYS[2], life)
return {share, count}
