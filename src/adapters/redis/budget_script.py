"""The script of budgets.

Keys: the state of leases, then an account and its leases for each charge of each step. Arguments: the
lease and the longest time without a call, in ms, then the steps:

    r: reservation, number of charges; for each: window's start, its end, limit, amount
    s: reservation, number of accounts; for each: the amount used
    l: number of accounts. Only looks
    b: window's start, its end, spent. Begins an account that the store does not have
    h: reservation, restores, number of charges; for each: window's start, amount. Renews leases

The reply has a list for each step. That of `r` begins with 0 for reserved, 1 for refused, and 2 for
an account that the store does not have; then the account's place, or three numbers for each account:
its window's start and end, and what it used. That of `s` has what each account used, -1 where there
was no reservation. That of `l` has three numbers for each account, -1 for an unknown one. That of `h`
is 1 if a reservation is missing.

An account is a hash: its window, what was spent, the sum of what is reserved, and each reservation.
A settlement removes the reservation, so one that is repeated changes nothing. Amounts are exact up
to 2^53, which is 9 million dollars in billionths.
"""

RESERVED, REFUSED, UNKNOWN = range(3)

SOURCE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lease, gap = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'seen', 'grace')
local seen, grace = tonumber(state[1] or 0), tonumber(state[2] or 0)
if seen > 0 and now - seen > gap then
  grace = now + lease
  redis.call('HSET', KEYS[1], 'grace', grace)
end
if now < seen or now - seen > gap / 8 then
  redis.call('HSET', KEYS[1], 'seen', now)
end

local function drop(account, leases, reservation)
  local amount = redis.call('HGET', account, 'r:' .. reservation)
  redis.call('ZREM', leases, reservation)
  if not amount then
    return false
  end
  redis.call('HDEL', account, 'r:' .. reservation)
  redis.call('HINCRBY', account, 'reserved', -amount)
  return true
end

local function read(account, leases)
  if now >= grace then
    for _, dead in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
      drop(account, leases, dead)
    end
  end
  local found = redis.call('HMGET', account, 'start', 'end', 'spent', 'reserved')
  if not found[1] then
    return nil
  end
  return {tonumber(found[1]), tonumber(found[2]), found[3] + found[4]}
end

local function begin(account, leases, first, last, spent)
  redis.call('DEL', account, leases)
  redis.call('HSET', account, 'start', first, 'end', last, 'spent', spent, 'reserved', 0)
  redis.call('PEXPIRE', account, (last - first) * 1000 + 86400000)
  return {tonumber(first), tonumber(last), tonumber(spent)}
end

local function put(account, leases, reservation, amount)
  redis.call('HSET', account, 'r:' .. reservation, amount)
  redis.call('HINCRBY', account, 'reserved', amount)
  redis.call('ZADD', leases, now + lease, reservation)
  redis.call('PEXPIRE', leases, 10 * lease)
end

local key, at = 2, 3

local function reserve()
  local reservation, number = ARGV[at + 1], tonumber(ARGV[at + 2])
  local accounts, from, known = key, at + 3, {}
  key, at = key + 2 * number, at + 3 + 4 * number
  for i = 0, number - 1 do
    known[i] = read(KEYS[accounts + 2 * i], KEYS[accounts + 2 * i + 1])
    if not known[i] then
      return {2, i}
    end
  end
  for i = 0, number - 1 do
    local first, last = tonumber(ARGV[from + 4 * i]), tonumber(ARGV[from + 4 * i + 1])
    if first > known[i][1] then
      known[i] = begin(KEYS[accounts + 2 * i], KEYS[accounts + 2 * i + 1], first, last, 0)
    end
  end
  for i = 0, number - 1 do
    local limit, amount = tonumber(ARGV[from + 4 * i + 2]), tonumber(ARGV[from + 4 * i + 3])
    if amount > limit - known[i][3] then
      return {1, i, known[i][1], known[i][2], known[i][3]}
    end
  end
  local reply = {0}
  for i = 0, number - 1 do
    local amount = tonumber(ARGV[from + 4 * i + 3])
    put(KEYS[accounts + 2 * i], KEYS[accounts + 2 * i + 1], reservation, amount)
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] =
      known[i][1], known[i][2], known[i][3] + amount
  end
  return reply
end

local function settle()
  local reservation, number = ARGV[at + 1], tonumber(ARGV[at + 2])
  local reply = {}
  for i = 1, number do
    local account, leases = KEYS[key], KEYS[key + 1]
    if drop(account, leases, reservation) then
      redis.call('HINCRBY', account, 'spent', ARGV[at + 2 + i])
      reply[i] = read(account, leases)[3]
    else
      reply[i] = -1
    end
    key = key + 2
  end
  at = at + 3 + number
  return reply
end

local function look()
  local reply = {}
  for _ = 1, tonumber(ARGV[at + 1]) do
    local found = read(KEYS[key], KEYS[key + 1]) or {-1, -1, -1}
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = found[1], found[2], found[3]
    key = key + 2
  end
  at = at + 2
  return reply
end

local function renew()
  local reservation, restores = ARGV[at + 1], ARGV[at + 2] == '1'
  local number, missing = tonumber(ARGV[at + 3]), 0
  for i = 0, number - 1 do
    local account, leases = KEYS[key], KEYS[key + 1]
    local first, amount = ARGV[at + 4 + 2 * i], ARGV[at + 5 + 2 * i]
    if redis.call('HEXISTS', account, 'r:' .. reservation) == 1 then
      redis.call('ZADD', leases, now + lease, reservation)
      redis.call('PEXPIRE', leases, 10 * lease)
    elseif restores and redis.call('HGET', account, 'start') == first then
      put(account, leases, reservation, amount)
    else
      missing = 1
    end
    key = key + 2
  end
  at = at + 4 + 2 * number
  return {missing}
end

local replies = {}
while at <= #ARGV do
  local step = ARGV[at]
  if step == 'r' then
    replies[#replies + 1] = reserve()
  elseif step == 's' then
    replies[#replies + 1] = settle()
  elseif step == 'l' then
    replies[#replies + 1] = look()
  elseif step == 'h' then
    replies[#replies + 1] = renew()
  else
    if redis.call('EXISTS', KEYS[key]) == 0 then
      begin(KEYS[key], KEYS[key + 1], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
    end
    replies[#replies + 1] = {}
    key, at = key + 2, at + 4
  end
end
return replies
"""
