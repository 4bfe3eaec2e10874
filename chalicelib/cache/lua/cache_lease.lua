-- Lets one caller load a cached value: grants its lease, unless another loads it or the value has changed meanwhile.
--
-- KEYS[1]  hash of one cache: "generation", and for each value "value:<name>" and "lease:<name>"
-- ARGV[1]  the value's name
-- ARGV[2]  the caller's random token
-- ARGV[3]  the time the caller's entry was loaded, as the entry says it; empty: it found none
-- ARGV[4]  term of a lease, milliseconds
-- ARGV[5]  how long a hash without a value is kept, milliseconds
-- ARGV[6]  most names in one hash
-- Returns  {"granted", generation}, {"busy", generation}, {"changed", ""} (look again) or {"full", ""}
--
-- The generation is drawn when the hash begins, and goes with it: whoever deletes the hash makes every value that is
-- being loaded at that moment one that can't be stored.

local value, lease = 'value:' .. ARGV[1], 'lease:' .. ARGV[1]
local entry = redis.call('HGET', KEYS[1], value)
local loaded_at = entry and string.match(entry, '^%S+ %S+ (%S+)') or ''
if loaded_at ~= ARGV[3] then
  return {'changed', ''}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HGET', KEYS[1], lease)
if not entry and not held and redis.call('HLEN', KEYS[1]) > 2 * ARGV[6] then
  return {'full', ''}
end

local generation = redis.call('HGET', KEYS[1], 'generation')
if not generation then
  generation = ARGV[2]
  redis.call('HSET', KEYS[1], 'generation', generation)
end
if held then
  local until_ms = tonumber(string.match(held, '^(%d+) '))
  if until_ms and until_ms > now then
    return {'busy', generation}
  end
end

redis.call('HSET', KEYS[1], lease, string.format('%.0f %s', now + ARGV[4], ARGV[2]))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
return {'granted', generation}
