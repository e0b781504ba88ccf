# blindlist-server and blindlist in a small image.
#
#   docker build -t blindlist .
#   docker run --rm -v data:/data -v "$PWD:/lists:ro" --entrypoint blindlist blindlist \
#       compile /lists/my-list.txt --use-case com.example.app.url.filtering --out /data
#   docker run --name blindlist -v data:/data -p 8080:8080 blindlist
#
#   docker exec blindlist blindlist token create --state /data/blindlist-server.state
#
# compose.yaml runs both: a server, and beside it `blindlist update` once an hour.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/setup scripts/setup
RUN setup_for=build sh -e scripts/setup
COPY . .
RUN make -j"$(nproc)" && make install DESTDIR=/out PREFIX=/usr/local

FROM debian:bookworm-slim
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        libmicrohttpd12 libjansson4 libssl3 libsqlite3-0 libpq5 libprotobuf-c1 zlib1g \
        libzstd1 libpcre2-8-0 libidn2-0 libpsl5 publicsuffix libexpat1 libcurl4 ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin blindlist \
 && install -d -o blindlist -g blindlist /data
COPY --from=build /out/usr/local/ /usr/local/
USER blindlist
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# bash opens the connection itself: no curl in the image. Asks on the port of the line below.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]"]
ENTRYPOINT ["blindlist-server", "--data", "/data", "--listen", "0.0.0.0:8080"]
