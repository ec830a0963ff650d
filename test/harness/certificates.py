"""A certificate authority for tests, made by openssl."""
import os
import subprocess


class Authority:
    """Lives in a directory, which goes with the test."""

    def __init__(self, directory):
        self.directory = directory
        self.file = os.path.join(directory, "ca.pem")
        self.key = os.path.join(directory, "ca.key")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-days", "2", "-subj", "/CN=test authority", "-keyout", self.key,
                      "-out", self.file)
        os.chmod(self.file, 0o644)

    def _openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.directory, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def certificate(self, host):
        """A certificate for a host name and its key; the names of both files."""
        names = [os.path.join(self.directory, f"{host}.{kind}") for kind in ("pem", "key", "csr",
                                                                             "ext")]
        cert, key, request, extension = names
        with open(extension, "w", encoding="ascii") as file:
            file.write(f"subjectAltName=DNS:{host}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={host}", "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key,
                      "-CAcreateserial", "-days", "2", "-extfile", extension, "-out", cert)
        return cert, key
