-- Whether a board's change is to be announced now: it is followed, and was not announced lately. Claims it then.
--
-- An unfollowed board is left without the mark, or whoever comes next would miss changes until the mark is gone.
--
-- KEYS[1]  the mark of a followed board
-- KEYS[2]  the mark of a board that was announced lately
-- ARGV[1]  how long "lately" lasts, milliseconds
-- Returns  1 for whoever is to announce it, otherwise 0

if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
return redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) and 1 or 0
