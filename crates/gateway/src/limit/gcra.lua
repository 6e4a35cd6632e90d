-- gcra.rs in one step inside Redis. KEYS[1]: when the earlier requests are worked off, in microseconds.
-- ARGV[1]: requests a window. ARGV[2]: the window in microseconds.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local limit = tonumber(ARGV[1])
local interval = math.max(math.floor(ARGV[2] / limit), 1)
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local following = arrival + interval
local latest = now + interval * limit
if following > latest then
  return {0, 0, following - latest, arrival - now}
end
redis.call('SET', KEYS[1], string.format('%.0f', following), 'PX', math.ceil((following - now) / 1000))
return {1, math.floor((latest - following) / interval), 0, following - now}
