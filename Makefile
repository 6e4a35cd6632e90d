.DEFAULT_GOAL := help
local := deploy/local

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run stop reset logs demo
run: ## start the platform, and whatever it needs, on this machine
	@$(local)/platform.sh run

stop: ## end the platform and its servers
	@$(local)/platform.sh stop

reset: ## stop, and delete the development data
	@$(local)/platform.sh reset

logs: ## follow the platform's log
	@$(local)/platform.sh logs

demo: ## drive the care journey over REST against the running platform
	@cargo build -q --workspace
	@set -a && . .local/dev/env && target/debug/demo http://127.0.0.1:3000 && printf "\nthe ledger: kind, accounts, won\n" && \
	  export AIPOTEN__LOG__FILTER=warn && target/debug/aipoten ledger && target/debug/aipoten check-invariants

.PHONY: test lint fmt fuzz proto-lint openapi-check calendar-check mail-check
test: ## everything that CI checks
	@$(local)/check.sh

fuzz: ## nonsense to every route of a platform of its own, as parent, therapist and administrator
	@$(local)/fuzz.sh

lint: ## the part of it that needs no servers: formatting, protos, clippy
	@$(local)/check.sh lint

fmt: ## format code and protos
	@cargo fmt --all
	@$(local)/contract.sh proto-format

proto-lint: ## lint the protos and look for breaking changes
	@$(local)/contract.sh proto

openapi-check: ## validate the OpenAPI document and compile a client generated from it
	@$(local)/contract.sh openapi

mail-check: ## send mails through a real mail server that fails now and then
	@$(local)/mail.sh

calendar-check: ## let two independent parsers read a calendar feed
	@$(local)/calendar.sh

.PHONY: realtime-check
realtime-check: ## let the official Socket.IO client and two browsers be told through two gateways, and the browsers meet
	@$(local)/realtime.sh

.PHONY: bench bench-storm bench-events bench-login bench-booking bench-search bench-realtime bench-reminders faults
bench: ## measure requests: how many a second, how late, at what cost; minutes, on a machine with nothing else to do
	@$(local)/measure.sh bench

bench-storm: ## measure what others notice of 200 sign-ins at once
	@$(local)/measure.sh storm

bench-events: ## measure events: how many a second, how late, how fast a backlog drains
	@$(local)/measure.sh events

bench-login: ## measure whether the time of a refused sign-in tells anything of an address
	@$(local)/measure.sh login

bench-booking: ## measure bookings: many who want the same time
	@$(local)/measure.sh booking

bench-search: ## measure searches among 20,000 therapists
	@$(local)/measure.sh search

bench-realtime: ## measure 10,000 connections to one gateway: memory of each, how many connect a second, how late news comes
	@$(local)/measure.sh realtime
bench-reminders: ## measure reminders: 100,000 that are due, told and sent by two replicas
	@$(local)/measure.sh reminders

faults: ## kill and restart broker and database under load; minutes, and not part of test
	@$(local)/measure.sh faults

.PHONY: k8s-check ops-check compat
compat: ## let this program and the one before it (OLD=tag) share the roles, as a rolling update does; minutes
	@$(local)/compat.sh $(OLD)

k8s-check: ## render the manifests of every overlay and check them, and the checker
	@$(local)/k8s.sh check

ops-check: ## check images, compose files, edge, monitoring, backups, workflows and runbooks, and what a running platform tells of itself
	@$(local)/ops.sh
	@$(local)/running.sh check

.PHONY: soak
soak: ## minutes of load while replicas are restarted one by one, MINUTES=12: no request fails; prints memory
	@$(local)/running.sh soak $(MINUTES)

.PHONY: prepare switch
prepare: ## bring release TAG into the COLOUR (blue or green) that nobody is sent to
	@deploy/blue-green.sh prepare $(COLOUR) $(TAG)

switch: ## send everybody to COLOUR; the other stays, to switch back
	@deploy/blue-green.sh switch $(COLOUR)

.PHONY: backup restore restore-drill
backup: ## copy the development databases and documents, sealed, into .local/backups
	@$(local)/backup.sh backup

restore: ## put a copy back, FROM=a name that backup printed, or the newest; what was there before is kept
	@$(local)/backup.sh restore $(FROM)

restore-drill: ## lose a disk and restore it, newest state and point in time: prints RPO and RTO; minutes
	@$(local)/backup.sh drill

.PHONY: sqlx sqlx-db proto-image
sqlx: ## renew .sqlx after a query or a migration changed
	@$(local)/sqlx.sh prepare

sqlx-db: ## print where fresh databases are: eval "$(make sqlx-db)" builds against them
	@$(local)/sqlx.sh db

proto-image: ## accept today's protos as what later ones must stay compatible with
	@$(local)/contract.sh proto-image
