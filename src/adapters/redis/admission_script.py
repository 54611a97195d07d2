"""The script of admission: rates, and permits as leases, on the time of the server.

Keys: the state of leases, then those of each step. Arguments: the lease and the longest time without
a call, in ms, the highest limit whose times are stored singly, then the steps:

    a: window key, permits key, rate key; requests, ms, permit, permits, rate's requests, its ms
    t: the same, with a permit that is held already, and that is released if a rate is exhausted
    c: window key; requests, ms. Counts a request, without a permit
    p: window key; requests, ms. Only looks
    r: permits key; permit. Releases
    h: permits key; number, permits. Renews the leases, or sets those that the store lost

The reply is a string, which clients parse faster than a list. It has four integers for each step: the
outcome, what remains, when the window is empty (Unix ms), and the ms until a retry; of a request that
is admitted, the last is 1 if it has the last permit.

A window is a list of times. That of a high limit has buckets instead, each of its last time and a
number. The last element is a head: the sum of all numbers, the time of the first of the buckets before
it (0: there is none), and the time and the number of the bucket that is filled at present. So most
requests read and write one element. No window ever allows more than its limit.

Permits are a sorted set by the ends of their leases. After a time without calls, which means that the
store was away, leases end one lease later, because their gateways could not renew them.
"""

OK, KEY_QUOTA, ADDRESS_REJECTED, PERMITS_REJECTED, RATE_REJECTED = range(5)

SOURCE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lease, gap, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'seen', 'grace')
local seen, grace = tonumber(state[1] or 0), tonumber(state[2] or 0)
if seen > 0 and now - seen > gap then
  grace = now + lease
  redis.call('HSET', KEYS[1], 'grace', grace)
end
if now < seen or now - seen > gap / 8 then
  redis.call('HSET', KEYS[1], 'seen', now)
end

local function times(key, requests, ms, counts)
  local first = redis.call('LINDEX', key, 0)
  while first and first + ms <= now do
    redis.call('LPOP', key)
    first = redis.call('LINDEX', key, 0)
  end
  local taken = first and redis.call('LLEN', key) or 0
  if counts and taken < requests then
    redis.call('RPUSH', key, now)
    redis.call('PEXPIRE', key, ms)
    return true, requests - taken - 1, now + ms, 0
  end
  local last = first and redis.call('LINDEX', key, -1) or now - ms
  return false, requests - taken, last + ms, (first or now) + ms - now
end

local function buckets(key, requests, ms, counts)
  local taken, closed, last, latest = 0, 0, now - ms, 0
  local head = redis.call('LINDEX', key, -1)
  if head then
    taken, closed, last, latest = struct.unpack('<dddd', head)
  end
  local before = taken
  while taken > 0 and (closed > 0 and closed or last) + ms <= now do
    if closed > 0 then
      taken = taken - redis.call('LPOP', key, 2)[2]
      closed = taken > latest and tonumber(redis.call('LINDEX', key, 0)) or 0
    else
      redis.call('DEL', key)
      taken, last = 0, now - ms
    end
  end
  if counts and taken < requests then
    local part = ms / most
    if taken == 0 then
      redis.call('RPUSH', key, struct.pack('<dddd', 1, 0, now, 1))
    elseif math.floor(last / part) == math.floor(now / part) then
      redis.call('LSET', key, -1, struct.pack('<dddd', taken + 1, closed, now, latest + 1))
    else
      redis.call('LSET', key, -1, last)
      closed = closed > 0 and closed or last
      redis.call('RPUSH', key, latest, struct.pack('<dddd', taken + 1, closed, now, 1))
    end
    if taken == 0 or math.floor(last * 8 / ms) ~= math.floor(now * 8 / ms) then
      redis.call('PEXPIRE', key, 2 * ms)  -- not each time, which costs as much as counting
    end
    return true, requests - taken - 1, now + ms, 0
  end
  if taken > 0 and taken < before then
    redis.call('LSET', key, -1, struct.pack('<dddd', taken, closed, last, latest))
  end
  local first = taken == 0 and now or closed > 0 and closed or last
  return false, requests - taken, last + ms, first + ms - now
end

local function window(key, requests, ms, counts)
  if requests > most then
    return buckets(key, requests, ms, counts)
  end
  return times(key, requests, ms, counts)
end

local replies, key, at = {}, 2, 4
local function reply(...)
  replies[#replies + 1] = string.format('%.0f %.0f %.0f %.0f', ...)
end

local function admit(address, permits, rate, from, held)
  local permit = ARGV[from + 2]
  local counted, remaining, reset, retry =
    window(address, tonumber(ARGV[from]), tonumber(ARGV[from + 1]), true)
  if not counted then
    if held then
      redis.call('ZREM', permits, permit)
    end
    return reply(2, remaining, reset, retry)
  end
  local taken, most_taken = 0, tonumber(ARGV[from + 3])
  if not held then
    taken = redis.call('ZCARD', permits)
    if taken >= most_taken and now >= grace then
      taken = taken - redis.call('ZREMRANGEBYSCORE', permits, '-inf', now)
    end
    if taken >= most_taken then
      return reply(3, 0, 0, 0)
    end
  end
  local outcome, requests = 0, tonumber(ARGV[from + 4])
  if requests > 0 then
    local ok, left, empty, wait = window(rate, requests, tonumber(ARGV[from + 5]), true)
    if not ok then
      if held then
        redis.call('ZREM', permits, permit)
      end
      return reply(4, left, empty, wait)
    end
    if left <= remaining then
      outcome, remaining, reset = 1, left, empty
    end
  end
  if not held then
    redis.call('ZADD', permits, now + lease, permit)
    if taken == 0 then  -- renewals set it again
      redis.call('PEXPIRE', permits, 3600000)
    end
  end
  reply(outcome, remaining, reset, taken + 1 >= most_taken and 1 or 0)
end

while at <= #ARGV do
  local step = ARGV[at]
  if step == 'a' or step == 't' then
    admit(KEYS[key], KEYS[key + 1], KEYS[key + 2], at + 1, step == 't')
    key, at = key + 3, at + 7
  elseif step == 'c' or step == 'p' then
    local counted, remaining, reset, retry =
      window(KEYS[key], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), step == 'c')
    reply((counted or step == 'p') and 0 or 2, remaining, reset, retry)
    key, at = key + 1, at + 3
  elseif step == 'r' then
    redis.call('ZREM', KEYS[key], ARGV[at + 1])
    reply(0, 0, 0, 0)
    key, at = key + 1, at + 2
  else
    local number = tonumber(ARGV[at + 1])
    for i = at + 2, at + 1 + number do
      redis.call('ZADD', KEYS[key], now + lease, ARGV[i])
    end
    redis.call('PEXPIRE', KEYS[key], 3600000)
    reply(0, 0, 0, 0)
    key, at = key + 1, at + 2 + number
  end
end
return table.concat(replies, ' ')
"""
