-- Raises one player's values in the rankings of one board. What is higher already stays.
--
-- KEYS     one sorted set per metric
-- ARGV[1]  the player
-- ARGV[2…] the value in each set, in the order of KEYS
-- Returns  nothing

for place, key in ipairs(KEYS) do
  redis.call('ZADD', key, 'GT', ARGV[place + 1], ARGV[1])
end
