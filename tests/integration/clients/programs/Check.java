// A Java client, configured in its usual way from the environment alone: java Check CLIENT PATH. Ends with 0 if it worked.
import java.net.URI;
import java.sql.DriverManager;

public class Check {
    public static void main(String[] words) throws Exception {
        switch (words[0]) {
            case "JDBC" -> jdbc();
            case "Jedis" -> jedis();
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    private static void jdbc() throws Exception {
        try (var connection = DriverManager.getConnection(System.getenv("JDBC_DATABASE_URL"));
                var statement = connection.createStatement();
                var rows = statement.executeQuery(
                        "SELECT current_user, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())")) {
            rows.next();
            require(rows.getString(1).equals("nexus_app") && rows.getBoolean(2));
        }
    }

    private static void jedis() {
        try (var jedis = new redis.clients.jedis.Jedis(URI.create(System.getenv("REDIS_URL")))) {
            require(jedis.ping().equals("PONG"));
            require(jedis.role().get(0).equals("master"));
        }
    }

    private static void require(boolean holds) {
        if (!holds) {
            throw new IllegalStateException("another answer was expected");
        }
    }
}
