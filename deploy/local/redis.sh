# Redis of an instance: on 127.0.0.1, never evicting; it keeps its data in development and forgets it in tests.
# Sourced by servers.sh.

redis_package() { command -v redis-server >/dev/null || echo redis-server; }

redis_settings() {
  printf '%s\n' "port $redis_port" 'bind 127.0.0.1' 'protected-mode yes' 'daemonize no' 'dir .' \
    'maxmemory-policy noeviction' 'save ""'
  if [[ $name == dev ]]; then echo 'appendonly yes'; else echo 'appendonly no'; fi
}

redis_up() {
  mkdir -p "$state/redis"
  redis_settings >"$state/redis/redis.conf"
  launch redis "$state/redis" redis-server redis.conf
  await redis 20
}

redis_answers() { [[ $(redis-cli -h 127.0.0.1 -p "$redis_port" ping 2>/dev/null) == PONG ]]; }

redis_running() { running redis "$state/redis"; }

redis_down() {
  local pid
  if pid=$(redis_running); then end_process "$pid" 20; fi
  rm -f "$state/redis.pid"
}

redis_erase() { rm -rf "$state/redis"; }

redis_ports() { echo "$redis_port"; }
