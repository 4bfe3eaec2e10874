-- Leases an environment its share of every limit, so that all shares leased together never exceed the whole.
--
-- KEYS    1: sorted set, environment -> end of its lease in milliseconds since 1970; 2: hash, environment -> share;
--         both in one slot
-- ARGV    1: the environment's id; 2: length of a lease in milliseconds
-- returns {its share in parts per million of the whole, number of environments with a lease}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, length = ARGV[1], ARGV[2] * 1
local whole = 1000000

-- Redis may evict one key and keep the other. A share without an end may run for a whole lease yet; an end without a
-- share may be of the whole.
local shares = {}
local stored = redis.call('HGETALL', KEYS[2])
for i = 1, #stored, 2 do
  shares[stored[i]] = tonumber(stored[i + 1])
  redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', now + length), stored[i])
end
for _, ended in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('HDEL', KEYS[2], ended)
  redis.call('ZREM', KEYS[1], ended)
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + length), id)
local others, count = 0, 0
for _, holder in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  count = count + 1
  if holder ~= id then
    others = others + (shares[holder] or whole)
  end
end
local share = math.max(0, math.min(math.floor(whole / count), whole - others))
redis.call('HSET', KEYS[2], id, share)
-- Never sooner than before: another lease may be longer.
local life = math.max(length, redis.call('PTTL', KEYS[1]))
redis.call('PEXPIRE', KEYS[1], life)
redis.call('PEXPIRE', KEYS[2], life)
return {share, count}
