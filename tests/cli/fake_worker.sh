#!/bin/bash
# A worker whose every number is known: the protocol of docs/worker-protocol.md in plain bash. It waits
# for as long as its blocks say that they took.
# FAKE_WORKER_MODE: "" answers well; "slow" tells its process id to the FIFO $FAKE_WORKER_FIFO when
# a run begins, ignores SIGTERM and never answers; "crash" dies of a signal in its first run.
# FAKE_WORKER_HOOK is a command of the shell that runs before the answer to the first run.
id=0 threads=1 now=1000000000
reply() { printf '{"id":%s,"ok":true%s}\n' "$id" "$1"; }
run() {
    local wanted=50 wall=2000000 rows='' i thread
    [[ $1 =~ \"samples\":([0-9]+) ]] && ((BASH_REMATCH[1] > wanted)) && wanted=${BASH_REMATCH[1]}
    for ((i = 0; i < wanted; i++)); do
        for ((thread = 0; thread < threads; thread++)); do
            rows+="${rows:+,}[$thread,$now,$wall,$wall,0,0,1,0]"
        done
        ((now += wall))
    done
    sleep "$(printf '%d.%09d' $((wanted * wall / 1000000000)) $((wanted * wall % 1000000000)))"
    reply ",\"samples\":[$rows]"
}
while IFS= read -r line; do
    [[ $line =~ \"id\":([0-9]+) ]] && id=${BASH_REMATCH[1]}
    [[ $line =~ \"threads\":([0-9]+) ]] && threads=${BASH_REMATCH[1]}
    [[ $line =~ \"verb\":\"([a-z]+)\" ]] || continue
    case ${BASH_REMATCH[1]} in
        hello)
            reply ',"protocol":1,"backend":"fake","versions":{"fakeblas":"1.2.3"},"devices":["cpu"],"precisions":["fp64","fp32"],"operations":["dot","gemm"],"isa":[]'
            ;;
        supports)
            if [[ $line == *'"precision":"fp64"'* && $line == *'"dot"'* ]]; then
                reply ',"supported":false,"reason":"this library has no double dot"'
            else
                reply ',"supported":true'
            fi
            ;;
        prepare) reply ',"device":"cpu","implementation":"fakeblas generic","error":0,"correct":true,"iteration_s":0.002' ;;
        run)
            case $FAKE_WORKER_MODE in
                slow)
                    trap '' TERM
                    echo $$ > "$FAKE_WORKER_FIFO"
                    exec sleep infinity
                    ;;
                crash) kill -SEGV $$ ;;
            esac
            eval "$FAKE_WORKER_HOOK" > /dev/null
            FAKE_WORKER_HOOK=''
            run "$line"
            ;;
        release) reply '' ;;
        shutdown)
            reply ''
            exit 0
            ;;
    esac
done
