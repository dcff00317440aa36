#!/usr/bin/env bash
# A standalone Spark on this machine: a master, two workers of one core each, and Spark Connect.
# Builds the marts of SSELFIE_WAREHOUSE on it, and prints what each executor did.
#
#   python3 -m venv spark && spark/bin/pip install pyspark==4.2.0      # brings Spark; wants Java 17
#   SPARK_HOME=$(spark/bin/python -c 'import pyspark; print(pyspark.__path__[0])') \
#     SSELFIE_WAREHOUSE=warehouse.duckdb SSELFIE_LAKE_URL=/srv/lake bash tests/spark/standalone.sh
#
# Everything listens on the loopback interface only, and ends with this script. SPARK_CONF is a list
# of further settings of Spark's, as in "--conf spark.sql.shuffle.partitions=4".
set -euo pipefail
: "${SPARK_HOME:?where Spark is}" "${SSELFIE_WAREHOUSE:?the warehouse}" "${SSELFIE_LAKE_URL:?the lake}"

work=$(mktemp -d)
export SPARK_LOCAL_IP=127.0.0.1 SPARK_NO_DAEMONIZE=1 SPARK_WORKER_DIR="$work/work"
umask 077
pids=()
finish() {
    kill "${pids[@]}" 2>/dev/null || true
    wait "${pids[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

wait_for() { # host port
    for _ in $(seq 360); do
        if (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; then return; fi
        sleep 0.5
    done
    tail -n 20 "$work"/*.log >&2
    echo "nobody listens at $1:$2" >&2
    exit 1
}

"$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.master.Master --host 127.0.0.1 --port 7077 --webui-port 8080 \
    >"$work/master.log" 2>&1 &
pids+=($!)
wait_for 127.0.0.1 7077
for number in 1 2; do
    "$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --webui-port "808$number" \
        --cores 1 --memory "${EXECUTOR_MEMORY:-1g}" spark://127.0.0.1:7077 \
        >"$work/worker-$number.log" 2>&1 &
    pids+=($!)
done
# shellcheck disable=SC2086  # SPARK_CONF is a list
"$SPARK_HOME/bin/spark-submit" --master spark://127.0.0.1:7077 --driver-memory 2g \
    --executor-memory "${EXECUTOR_MEMORY:-1g}" --executor-cores 1 \
    --conf spark.driver.host=127.0.0.1 --conf spark.driver.bindAddress=127.0.0.1 \
    --conf spark.sql.warehouse.dir="$work/warehouse" --conf spark.ui.port=4040 \
    --conf spark.connect.grpc.binding.address=127.0.0.1 --conf spark.connect.grpc.binding.port=15002 \
    ${SPARK_CONF:-} \
    --class org.apache.spark.sql.connect.service.SparkConnectServer \
    "$SPARK_HOME"/jars/spark-connect_*.jar >"$work/connect.log" 2>&1 &
pids+=($!)
wait_for 127.0.0.1 15002

status=0
SSELFIE_SPARK_REMOTE=sc://127.0.0.1:15002 sselfie build --target spark "$@" || status=$?

python3 - <<'PYTHON'
import json
from urllib.request import urlopen

applications = "http://127.0.0.1:4040/api/v1/applications"
(application,) = json.load(urlopen(applications))
for executor in json.load(urlopen(f"{applications}/{application['id']}/allexecutors")):
    if executor["id"] != "driver":
        print(
            f"executor {executor['id']} at {executor['hostPort']}: {executor['completedTasks']} tasks,"
            f" {executor['totalDuration'] / 1000:.1f} s,"
            f" {executor['totalShuffleWrite'] / 1e6:.1f} MB shuffled"
        )
PYTHON
exit "$status"
