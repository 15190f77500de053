# A Ruby client, configured in its usual way from the environment alone: ruby check.rb CLIENT PATH. Ends with 0 if it worked.
client, path = ARGV

case client
when 'net/http'
  require 'net/http'
  answer = Net::HTTP.get_response(URI("#{ENV.fetch('PROMETHEUS_URL')}/-/ready"))
  raise answer.code unless answer.code == '200'
when 'pg'
  require 'pg'
  connection = PG.connect(ENV.fetch(path == 'pool' ? 'DATABASE_POOL_URL' : 'DATABASE_URL'))
  raise 'another user' unless connection.exec('SELECT current_user').getvalue(0, 0) == 'nexus_app'
when 'redis'
  require 'redis'
  role = Redis.new(url: ENV.fetch('REDIS_URL')).call('ROLE').first
  raise role unless role == 'master'
else
  raise client
end
