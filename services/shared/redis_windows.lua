-- Sliding windows: counts all that is asked or, where one window does not allow it, none.
--
-- KEYS: for each ask two, the list of its entries ("moment:cost", oldest first) and the sum of their costs.
-- ARGV: the moment in microseconds (0: the server's own clock); 1 to count, 0 to look only; then for each ask the most
--       that is allowed, the window in microseconds, the cost, and the grain (see services/shared/window_shapes.py).
-- Answers for each ask: 1 or 0 for allowed, how much is left, in how many microseconds there is more.

local now, counts = tonumber(ARGV[1]), ARGV[2] == '1'
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local function read(entry)
  local moment, cost = string.match(entry, '^(%d+):(%d+)$')
  return tonumber(moment), tonumber(cost)
end

local function whole(number)
  return string.format('%.0f', number)
end

local function expire(entries, before)
  local gone = 0
  local oldest = redis.call('LINDEX', entries, 0)
  while oldest do
    local moment, cost = read(oldest)
    if moment > before then return gone, moment end
    redis.call('LPOP', entries)
    gone = gone + cost
    oldest = redis.call('LINDEX', entries, 0)
  end
  return gone, nil
end

local function until_freed(entries, cost, window)
  local from = 0
  while true do
    local some = redis.call('LRANGE', entries, from, from + 63)
    if #some == 0 then return window end
    for _, entry in ipairs(some) do
      local moment, there = read(entry)
      cost = cost - there
      if cost <= 0 then return moment + window - now end
    end
    from = from + 64
  end
end

local answers, totals, all_allowed = {}, {}, true
for i = 1, #KEYS / 2 do
  local entries, sum = KEYS[2 * i - 1], KEYS[2 * i]
  local at = 4 * i - 1
  local most, window, cost = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local gone, oldest = expire(entries, now - window)
  local total = oldest and tonumber(redis.call('GET', sum) or '0') - gone or 0
  if gone > 0 then redis.call('SET', sum, whole(total), 'KEEPTTL') end
  local over = total + cost - most
  local reset = window
  if over > 0 then
    reset = until_freed(entries, over, window)
    all_allowed = false
  elseif oldest then
    reset = oldest + window - now
  end
  totals[i] = total
  answers[i] = { over <= 0 and 1 or 0, math.max(0, most - total), whole(reset) }
end

if counts and all_allowed then
  for i = 1, #KEYS / 2 do
    local entries, sum = KEYS[2 * i - 1], KEYS[2 * i]
    local at = 4 * i - 1
    local window, cost, grain = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local there = 0
    local newest = grain > 0 and redis.call('LINDEX', entries, -1)
    if newest then
      local moment, before = read(newest)
      if math.floor(moment / grain) == math.floor(now / grain) then
        redis.call('RPOP', entries)
        there = before
      end
    end
    local life = whole(math.ceil(window / 1000) + 1000)
    redis.call('RPUSH', entries, whole(now) .. ':' .. whole(there + cost))
    redis.call('PEXPIRE', entries, life)
    redis.call('SET', sum, whole(totals[i] + cost), 'PX', life)
    answers[i][2] = answers[i][2] - cost
  end
end
return answers
