// An HTTP/2 server for run.py: h2server.js key.pem cert.pem, prints its port.
// Paths: /ok, /refuse-once... (REFUSED_STREAM, then 200), /die (connection lost).
const http2 = require('http2'), fs = require('fs');
const server = http2.createSecureServer({
  key: fs.readFileSync(process.argv[2]), cert: fs.readFileSync(process.argv[3])});
let sessions = 0, deaths = 0;
const refused = new Set();
server.on('session', () => { sessions++; });
server.on('sessionError', () => {});
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const path = headers[':path'];
  if (path.startsWith('/refuse-once') && !refused.has(path)) {
    refused.add(path);
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    return;
  }
  if (path === '/die') {
    deaths++;
    stream.session.socket ? stream.session.destroy() : 0;
    return;
  }
  if (path === '/hang') return;
  let size = 0;
  stream.on('data', (d) => { size += d.length; });
  stream.on('end', () => {
    stream.respond({':status': 200, 'content-type': 'application/json', 'x-trigger-jwt': 'h2'});
    stream.end(JSON.stringify({sessions, deaths, size, method: headers[':method'],
                               length: headers['content-length'] || ''}));
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
