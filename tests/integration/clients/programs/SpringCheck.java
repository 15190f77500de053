// A Spring Boot application, configured by its variables or by a profile alone: java SpringCheck. Ends with 0 if it worked.
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.jdbc.core.JdbcTemplate;

@Configuration
@EnableAutoConfiguration
public class SpringCheck {
    public static void main(String[] words) {
        SpringApplication.run(SpringCheck.class, words).close();
    }

    @Bean
    CommandLineRunner check(JdbcTemplate database, StringRedisTemplate redis, Environment settings) {
        return words -> {
            require(database.queryForObject("SELECT current_user", String.class).equals("nexus_app"));
            require(database.queryForObject(
                    "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", Boolean.class));
            if (settings.containsProperty("spring.data.redis.host")) {
                redis.opsForValue().set("clients:spring", "there", java.time.Duration.ofSeconds(30));
                require(redis.opsForValue().get("clients:spring").equals("there"));
            }
        };
    }

    private static void require(boolean holds) {
        if (!holds) {
            throw new IllegalStateException("another answer was expected");
        }
    }
}
