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

# For another processor, amd64 or arm64: docker buildx build --platform linux/arm64. Nothing is run in an emulator for that:
# the machine that builds has a compiler for the other one, and its libraries.
FROM --platform=$BUILDPLATFORM debian:bookworm-slim AS build
ARG TARGETARCH
WORKDIR /src
COPY scripts/setup scripts/setup
RUN setup_for=build setup_arch=$TARGETARCH sh -e scripts/setup \
 && apt-get install -y -qq --no-install-recommends ca-certificates libtinfo6:$TARGETARCH libselinux1:$TARGETARCH \
 && apt-get download -qq bash:$TARGETARCH coreutils:$TARGETARCH \
 && for package in *.deb; do dpkg-deb -x "$package" /helpers || exit 1; done
COPY . .
RUN host=$(basename /usr/bin/*-linux-gnu-gcc -gcc) \
 && make -j"$(nproc)" CC=$host-gcc AR=$host-ar && make install CC=$host-gcc AR=$host-ar DESTDIR=/out PREFIX=/usr/local \
 && deploy/image-root $host /helpers /out/usr/local /image

# No package manager, nothing that belongs to root and runs with its rights, and nothing that the programs do not need.
FROM scratch
COPY --from=build /image/ /
# Not every engine keeps the owner of what is copied.
COPY --from=build --chown=10001:10001 /image/data/ /data/
ENV PATH=/usr/local/bin:/usr/bin
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# bash opens the connection itself: no curl in the image. Asks at the admin address of the line below, which nobody outside
# reaches.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8081 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]"]
ENTRYPOINT ["blindlist-server", "--data", "/data", "--listen", "0.0.0.0:8080", "--admin", "127.0.0.1:8081"]
