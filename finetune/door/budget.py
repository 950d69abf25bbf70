"""What one visitor, and all of them together, may ask of the server: figures, each with its reason."""

from dataclasses import dataclass, replace

MB = 2**20


@dataclass(frozen=True)
class Budget:
    """The figures. A browser has six connections to a server at most; a school may share one address."""

    connections: int = 600
    """Open connections in all; each takes a file handle, and a process often has 1024."""
    connections_each: int = 600
    """Open connections from one address."""
    head_s: float = 10.0
    """A connection that is silent, or sends no whole request head in this time, is closed."""
    stalled_s: float = 30.0
    """A connection whose other end reads nothing of an answer for this time is closed."""
    body_bytes: int = 8 * MB
    """A request that is no upload: the page sends texts and settings."""
    body_s: float = 30.0
    """A request that is no upload arrives within this time."""
    bodies_bytes: int = 64 * MB
    """Of all requests that are arriving, uploads aside; they are held in memory."""
    file_bytes: int = 2048 * MB
    """One file."""
    upload_bytes: int = 8192 * MB
    """One upload, which may be several files."""
    upload_files: int = 1000
    """Files of one upload."""
    hour_bytes: int = 1024 * 1024 * MB
    """Uploads of one visitor within an hour."""
    arriving_bytes: int = 16384 * MB
    """Uploads of all visitors that are arriving."""
    flow_bytes_per_s: int = 1024 * MB
    """Uploads of all visitors, on average: beyond it they arrive more slowly."""
    uploads_each: int = 8
    """Uploads of one visitor at a time."""
    uploads: int = 16
    """Uploads of all visitors at a time."""
    silence_s: float = 20.0
    """An upload of which nothing arrives for this time is refused."""
    slowest: int = 8 * 1024
    """Bytes per second that an upload must bring on average, once it has lasted ``body_s``."""
    spare_bytes: int = 512 * MB
    """Free disk that uploads leave."""
    streams_each: int = 200
    """Streams of one visitor at a time: an open page has two, a download is one."""
    streams: int = 400
    """Streams of all visitors at a time."""
    at_work_each: int = 24
    """Requests of one visitor that are worked on at a time; further ones wait."""
    at_work: int = 48
    """Requests of all visitors that are worked on at a time; further ones wait."""
    waits_s: float = 10.0
    """A request that waited this long for its turn is refused."""
    joins: int = 44
    """Tasks of all visitors that wait in the page's queue, or run, at a time."""
    joins_each: int = 40
    """Tasks of one visitor that wait in the page's queue, or run, at a time."""
    requests_per_s: float = 100.0
    """Requests of one visitor, on average; an open page makes one or two a second."""
    requests_at_once: int = 2000
    """Requests of one visitor beyond that, at once: each page load takes about a hundred."""
    pages_per_min: float = 120.0
    """Page loads of one visitor, on average."""
    pages_at_once: int = 120
    """Page loads of one visitor beyond that, at once."""
    delay_s: float = 15.0
    """A refusal is answered within this time, ever later the more often someone is refused."""

    @classmethod
    def local(cls) -> "Budget":
        """For a server that only this machine reaches: what its owner does is hardly limited."""
        return cls()

    @classmethod
    def shared(cls, is_behind_proxy: bool = False) -> "Budget":
        """For a server that others reach; behind a proxy all connections come from one address."""
        return replace(
            cls(),
            connections_each=cls.connections if is_behind_proxy else 200,
            file_bytes=256 * MB,
            upload_bytes=256 * MB,
            upload_files=100,
            hour_bytes=1024 * MB,
            arriving_bytes=1024 * MB,
            flow_bytes_per_s=4 * MB,
            uploads_each=3,
            uploads=8,
            streams_each=100,
            at_work_each=12,
            joins_each=12,
            requests_per_s=40.0,
            requests_at_once=1000,
            pages_per_min=60.0,
            pages_at_once=60,
        )
