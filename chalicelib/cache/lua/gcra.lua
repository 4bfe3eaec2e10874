-- Counts one request against several limits of one client, all or nothing, on the server's clock.
-- The arithmetic is chalicelib/cache/gcra.py's.
--
-- KEYS    one per limit, all in one slot; a value is "<excess, thousandths of a request> <milliseconds since 1970>",
--         and expires when it says no more than no value would
-- ARGV    for each key: requests per period, period in milliseconds, burst in requests
-- returns {milliseconds since 1970, then for each key: 1 or 0 (does the request fit), the excess it sees}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call('MGET', unpack(KEYS))
local answer = {now}
local admitted = true
local kept = {}

for place = 1, #KEYS do
  local rate = ARGV[3 * place - 2] * 1000
  local period = ARGV[3 * place - 1] * 1
  local excess, last = 0, now
  if stored[place] then
    local before, seen = string.match(stored[place], '^(%d+) (%d+)$')
    local elapsed = now - seen
    if elapsed < -60000 then
      elapsed = 1
    elseif elapsed < 0 then
      elapsed = 0
    end
    excess = math.max(0, before - math.floor(elapsed * rate / period) + 1000)
    if elapsed == 0 then
      last = seen * 1
    end
  end
  local fits = excess <= ARGV[3 * place] * 1000
  admitted = admitted and fits
  answer[2 * place] = fits and 1 or 0
  answer[2 * place + 1] = excess
  kept[place] = {string.format('%.0f %.0f', excess, last), math.ceil((excess + 1000) * period / rate) + last - now}
end

if admitted then
  for place, key in ipairs(KEYS) do
    redis.call('SET', key, kept[place][1], 'PX', string.format('%.0f', kept[place][2]))
  end
end
return answer
