# RabbitMQ of an instance: the server script of its library folder (the wrapper in sbin changes user), with a node
# name, ports, folders, cookie and name daemon (epmd) of its own. Sourced by servers.sh.

# rabbitmq_script NAME: the path of a script in RabbitMQ's library folder.
rabbitmq_script() {
  local found
  found=$(compgen -G "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/$1" | sort -V | tail -n 1)
  [[ -n $found ]] && echo "$found"
}

rabbitmq_package() { rabbitmq_script rabbitmq-server >/dev/null || echo rabbitmq-server; }

rabbitmq_environment() {
  local home=$state/rabbitmq
  printf '%s\n' "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" LANG=C.UTF-8 \
    "HOME=$home" \
    "ERL_EPMD_PORT=$epmd_port" \
    ERL_EPMD_ADDRESS=127.0.0.1 \
    "RABBITMQ_NODENAME=aipoten_$name@localhost" \
    "RABBITMQ_DIST_PORT=$distribution_port" \
    "RABBITMQ_CONF_ENV_FILE=$home/none" \
    "RABBITMQ_CONFIG_FILE=$home/rabbitmq.conf" \
    "RABBITMQ_ADVANCED_CONFIG_FILE=$home/none" \
    "RABBITMQ_ENABLED_PLUGINS_FILE=$home/enabled_plugins" \
    "RABBITMQ_MNESIA_BASE=$home/data" \
    "RABBITMQ_GENERATED_CONFIG_DIR=$home/generated" \
    "RABBITMQ_LOG_BASE=$home" \
    RABBITMQ_LOGS=- \
    RUNNING_UNDER_SYSTEMD=true `# makes the script become the server, so that its pid is the server's` \
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}" \
    "RABBITMQ_CTL_ERL_ARGS=-start_epmd false" \
    "RABBITMQ_CTL_DIST_PORT_MIN=$((distribution_port + 10))" \
    "RABBITMQ_CTL_DIST_PORT_MAX=$((distribution_port + 60))"
}

# The folder, its settings and the rabbitmqctl that speaks to this node.
rabbitmq_prepare() {
  local home=$state/rabbitmq
  mkdir -p "$home/data"
  printf '%s\n' "listeners.tcp.1 = 127.0.0.1:$amqp_port" 'disk_free_limit.absolute = 50MB' >"$home/rabbitmq.conf"
  echo '[].' >"$home/enabled_plugins"
  if [[ ! -s $home/.erlang.cookie ]]; then
    (umask 077 && random_base64 24 | tr -d '/+=' >"$home/.erlang.cookie")
  fi
  chmod 400 "$home/.erlang.cookie"
  mapfile -t environment < <(rabbitmq_environment)
  {
    echo '#!/usr/bin/env bash'
    echo "# rabbitmqctl for the broker of '$name'; written by servers.sh."
    printf 'exec env -i'
    printf ' %q' "${environment[@]}" "$(rabbitmq_script rabbitmqctl)"
    printf ' "$@"\n'
  } >"$state/rabbitmqctl"
  chmod 755 "$state/rabbitmqctl"
}

rabbitmq_up() {
  rabbitmq_prepare
  # Erlang sizes tables by this limit, which some machines set to a billion.
  ulimit -n 65536 2>/dev/null || true
  launch rabbitmq "$state/rabbitmq" env -i "${environment[@]}" "$(rabbitmq_script rabbitmq-server)"
  await rabbitmq 90
}

# The AMQP greeting is answered with a method frame (type 1), once the broker takes clients.
rabbitmq_answers() {
  local type
  type=$(
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$amqp_port" && printf 'AMQP\0\0\11\1' >&3 &&
      timeout 2 head -c 1 <&3 | od -An -tu1
  ) || return 1
  [[ ${type// /} == 1 ]]
}

rabbitmq_running() { running rabbitmq "$state/rabbitmq"; }

# Its epmd is found by the home it was started with: that of another node is never touched.
rabbitmq_down() {
  local pid daemon
  if pid=$(rabbitmq_running); then end_process "$pid" 30; fi
  for daemon in /proc/[0-9]*; do
    if [[ $(cat "$daemon/comm" 2>/dev/null) == epmd ]] &&
      grep -qzxF "HOME=$state/rabbitmq" "$daemon/environ" 2>/dev/null; then
      end_process "${daemon#/proc/}" 5
    fi
  done
  rm -f "$state/rabbitmq.pid"
}

rabbitmq_erase() { rm -rf "$state/rabbitmq" "$state/rabbitmqctl"; }

rabbitmq_ports() { echo "$amqp_port $distribution_port $epmd_port"; }
