-- Sliding windows: takes the newest ARGV[1] back from each.
--
-- KEYS: for each window its entries and their sum, as in redis_windows.lua.

for i = 1, #KEYS / 2 do
  local entries, sum = KEYS[2 * i - 1], KEYS[2 * i]
  local life = redis.call('PTTL', entries)
  local cost = tonumber(ARGV[1])
  local newest = cost > 0 and redis.call('RPOP', entries)
  while newest do
    local moment, there = string.match(newest, '^(%d+):(%d+)$')
    there = tonumber(there)
    local taken = math.min(there, cost)
    redis.call('DECRBY', sum, string.format('%.0f', taken))
    if there > taken then
      redis.call('RPUSH', entries, moment .. ':' .. string.format('%.0f', there - taken))
      redis.call('PEXPIRE', entries, life)
    end
    cost = cost - taken
    newest = cost > 0 and redis.call('RPOP', entries)
  end
end
