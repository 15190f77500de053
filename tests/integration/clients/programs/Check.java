// A Java client, configured in its usual way: java Check CLIENT PATH. Ends with 0 if it worked.
// A setting is a variable of the environment, or a system property where a file of options is all that there is.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.DriverManager;
import java.util.Arrays;
import java.util.stream.Collectors;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisSentinelPool;

public class Check {
    public static void main(String[] words) throws Exception {
        var sentinel = words[1].equals("sentinel");
        switch (words[0]) {
            case "HttpClient" -> http();
            case "JDBC" -> jdbc(words[1].equals("pool") ? throughThePool() : setting("JDBC_DATABASE_URL"));
            case "Jedis" -> jedis(sentinel);
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    private static String setting(String name) {
        return System.getProperty(name, System.getenv(name));
    }

    private static String throughThePool() {
        var pool = URI.create(setting("DATABASE_POOL_URL"));
        var place = "//" + pool.getHost() + ":" + pool.getPort() + "/";
        return setting("JDBC_DATABASE_URL").replaceFirst("//[^/]+/", place);
    }

    private static void http() throws Exception {
        var ready = HttpRequest.newBuilder(URI.create(setting("PROMETHEUS_URL") + "/-/ready")).build();
        require(HttpClient.newHttpClient().send(ready, BodyHandlers.discarding()).statusCode() == 200);
    }

    private static void jdbc(String url) throws Exception {
        try (var connection = DriverManager.getConnection(url);
                var statement = connection.createStatement();
                var rows = statement.executeQuery(
                        "SELECT current_user, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())")) {
            rows.next();
            require(rows.getString(1).equals("nexus_app") && rows.getBoolean(2));
        }
    }

    private static void jedis(boolean sentinel) {
        if (sentinel) {
            var places = Arrays.stream(setting("REDIS_SENTINELS").split(","))
                    .map(HostAndPort::from).collect(Collectors.toSet());
            var login = DefaultJedisClientConfig.builder().ssl(true)
                    .user(setting("REDIS_USERNAME")).password(setting("REDIS_PASSWORD")).build();
            try (var pool = new JedisSentinelPool(setting("REDIS_MASTER_NAME"), places, login, login);
                    var jedis = pool.getResource()) {
                require(jedis.role().get(0).equals("master"));
            }
        } else {
            try (var jedis = new Jedis(URI.create(setting("REDIS_URL")))) {
                require(jedis.ping().equals("PONG"));
                require(jedis.role().get(0).equals("master"));
            }
        }
    }

    private static void require(boolean holds) {
        if (!holds) {
            throw new IllegalStateException("another answer was expected");
        }
    }
}
